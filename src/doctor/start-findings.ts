import { enforced, lacking, sentence, type Finding } from "./finding.js";
import type { StartFacts } from "./start-facts.js";

const HOME = { name: "home", title: "Home" };
const PORT = { name: "port", title: "Port" };

/** Whether a gateway could start here, whatever runtime it takes. */
export function startFindings(facts: StartFacts): Finding[] {
  return [homeFinding(facts), ...(facts.running ? [] : [portFinding(facts)])];
}

function homeFinding({ home, homeProblem, running }: StartFacts): Finding {
  if (homeProblem !== null) {
    return lacking(HOME, {
      what: `Key, records and sockets of a gateway are to be in ${home}, but ${sentence(homeProblem)}`,
      remedy: "Name another directory by HOTCELL_HOME or --home, or give this one to this user:",
      commands: [`sudo chown -R "$(id -u):$(id -g)" ${quoted(home)}`],
      blocks: true,
    });
  }
  if (running) {
    const where = running.url === null ? "is starting" : `runs at ${running.url}`;
    return enforced(HOME, `${home}; the gateway that it belongs to ${where}.`);
  }
  return enforced(HOME, `${home} can be used; no gateway has it.`);
}

function portFinding({ host, port, portProblem }: StartFacts): Finding {
  if (port === 0) return enforced(PORT, "Any free one is taken.");
  switch (portProblem) {
    case null:
      return enforced(PORT, `${host}:${port} is free.`);
    case "EADDRINUSE":
      return lacking(PORT, {
        what: `Another program listens on ${host}:${port}.`,
        remedy:
          "Choose another port by HOTCELL_PORT or --port (0 takes a free one), or end that program:",
        commands: [`sudo ss --listening --tcp --processes 'sport = :${port}'`],
        blocks: true,
      });
    case "EACCES":
      return lacking(PORT, {
        what: `This user may not listen on port ${port}.`,
        remedy: "Choose a port above 1023 by HOTCELL_PORT or --port.",
        blocks: true,
      });
    default:
      return lacking(PORT, {
        what: `Nothing can listen on ${host}:${port} (${portProblem}).`,
        remedy:
          "Choose an address of this machine by HOTCELL_HOST or --host; 127.0.0.1 is the default.",
        blocks: true,
      });
  }
}

/** For a shell. */
const quoted = (path: string): string =>
  /^[\w/.,+@-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
