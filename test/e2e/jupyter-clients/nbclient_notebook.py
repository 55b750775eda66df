"""Executes a notebook with nbclient through jupyter_server's gateway client, and prints it."""

import functools
import sys

import nbformat
import websocket
from jupyter_server.gateway.gateway_client import GatewayClient
from jupyter_server.gateway.managers import GatewayKernelManager
from nbclient import NotebookClient

url, token = sys.argv[1:3]
gateway = GatewayClient.instance()
gateway.url = url
gateway.auth_token = token
gateway.init_connection_args()
# This client sends its token with requests, but not with its WebSocket.
websocket.create_connection = functools.partial(
    websocket.create_connection, header=[f"Authorization: token {token}"]
)

sources = [
    "x = 20",
    "print('hello')\nx + 22",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
    "from IPython.display import clear_output\nprint('gone')\nclear_output()\nprint('there')",
]
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
client = NotebookClient(
    notebook, kernel_manager_class=GatewayKernelManager, kernel_name="python3", timeout=60
)
client.execute()
nbformat.validate(notebook)
print(nbformat.writes(notebook))
