"""PID 1 of a Hotcell sandbox (`kerneld`) and the unprivileged side that runs user code (`kerneld.user`)."""
