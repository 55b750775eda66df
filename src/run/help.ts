/** What `hotcell run --help` prints. */
export const RUN_HELP = `Run code in a sandbox, and see here what it says

Usage
  hotcell run [options] FILE        run a file
  hotcell run [options] FILE.ipynb  run a notebook's cells, and write what they say into it
  hotcell run [options] -c CODE     run what is given
  hotcell run [options] -           run what comes on standard input

Options
  -s, --session NAME         keep variables, imports and files for the next call with this name
  -t, --timeout SECONDS      interrupt the code after this long, then end it (120)
  -e, --env NAME[=VALUE]     set a variable for the code, or pass one on; again for more
      --cwd DIRECTORY        where the code runs, inside the sandbox (/workspace)
  -l, --language NAME        the language of the code (the notebook's own, or the session's default)
  -o, --output DIRECTORY     where figures are saved, as figure-1.png and so on (.)
      --output FILE          of a notebook: write it here, and leave the one that is run as it is
      --allow-errors         of a notebook: go on after cells that raise an exception
      --json                 print the gathered answer as one JSON document, and nothing else
      --image NAME           the image to run in (python)
      --runtime NAME         HOTCELL_RUNTIME, auto (auto, docker, local)
      --isolation TIER       standard or strong
      --gateway URL          HOTCELL_GATEWAY_URL: use this gateway
      --key KEY              HOTCELL_API_KEY: a key of that gateway
      --home DIRECTORY       HOTCELL_HOME, ~/.hotcell
      --config FILE          another configuration file than hotcell.config.yaml
      --verbose              say what is done before the code runs
  -h, --help

Without --gateway the gateway that runs with the home is used. Where none runs, this command is one for as long as it
takes; with --session it starts one in the background, which ends by itself after its last session.

A notebook is executed from its first cell to the first that fails, with the --timeout for each, and written whatever
happens; cells that were not reached stay as they were. Of its tags, skip-execution and raises-exception are heeded. One
that was changed meanwhile is left alone: the outputs are in NAME.executed.ipynb beside it then.

Ctrl+C interrupts the code; again, it ends everything. input() is answered at the terminal. Escape sequences other than
colours and erasing a line are left out.

Exit codes
  0    the code ran to its end
  n    the code ended with sys.exit(n) or os._exit(n)
  1    the code raised an exception
  2    the command line or a setting is wrong
  3    no runtime can make sandboxes here
  4    the code could not be run, or not to its end, or a figure not saved
  124  it was stopped at its deadline
  130  it was interrupted
  137  the interpreter died: out of memory, or a crash
`;
