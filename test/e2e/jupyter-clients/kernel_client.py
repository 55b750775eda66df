"""What jupyter-kernel-client does with a kernel, printed as JSON."""

import json
import sys

from jupyter_kernel_client import JupyterKernelClient

url, token = sys.argv[1:3]
with JupyterKernelClient(server_url=url, token=token) as kernel:
    result = {
        "first": kernel.execute("print('hi')\n6 * 7"),
        "alive": kernel.is_alive(),
        "error": kernel.execute("1/0")["status"],
    }
    kernel.restart()
    result["after_restart"] = kernel.execute("_")["outputs"]
    result["id"] = kernel.id
print(json.dumps(result))
