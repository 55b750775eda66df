"""The messaging tests of jupyter_kernel_test against a kernel behind a gateway, their results printed as JSON."""

import json
import sys
import unittest

import jupyter_kernel_test
from jupyter_kernel_client import KernelHttpManager

url, token = sys.argv[1:3]


class KernelTests(jupyter_kernel_test.KernelTests):
    language_name = "python"
    file_extension = ".py"
    code_hello_world = "print('hello, world')"
    code_stderr = "import sys; print('test', file=sys.stderr)"
    completion_samples = [{"text": "zi", "matches": {"zip"}}]
    complete_code_samples = ["1", "print('hello, world')", "def f(x):\n  return x*2\n\n\n"]
    incomplete_code_samples = ["print('''hello", "def f(x):\n  x*2"]
    invalid_code_samples = ["import = 7q"]
    code_page_something = "zip?"
    code_generate_error = "raise ValueError('no')"
    code_execute_result = [
        {"code": "1+2+3", "result": "6"},
        {"code": "[n*n for n in range(1, 4)]", "result": "[1, 4, 9]"},
    ]
    code_display_data = [
        {"code": "from IPython.display import HTML, display; display(HTML('<b>test</b>'))", "mime": "text/html"},
        {"code": "from IPython.display import Math, display; display(Math('\\\\frac{1}{2}'))", "mime": "text/latex"},
    ]
    code_history_pattern = "1?2*"
    # A range of the session that is running has 0 for its number in IPython, where the tests want the number itself.
    supported_history_operations = ("tail", "search")
    code_inspect_sample = "zip"
    code_clear_output = "from IPython.display import clear_output; clear_output()"

    @classmethod
    def setUpClass(cls) -> None:
        cls.km = KernelHttpManager(server_url=url, token=token)
        cls.km.start_kernel(name="python3")
        cls.kc = cls.km.client
        cls.kc.start_channels()
        cls.kc.wait_for_ready(timeout=60)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.km.shutdown_kernel()
        cls.kc.stop_channels()


class Recorded(unittest.TextTestResult):
    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.passed: list[str] = []

    def addSuccess(self, test: unittest.TestCase) -> None:
        super().addSuccess(test)
        self.passed.append(test.id().rsplit(".", 1)[-1])


suite = unittest.defaultTestLoader.loadTestsFromTestCase(KernelTests)
result = unittest.TextTestRunner(sys.stderr, resultclass=Recorded).run(suite)
print(
    json.dumps(
        {
            "passed": sorted(result.passed),
            "failed": {test.id(): trace for test, trace in result.failures + result.errors},
            "skipped": sorted(test.id().rsplit(".", 1)[-1] for test, _ in result.skipped),
        }
    )
)
