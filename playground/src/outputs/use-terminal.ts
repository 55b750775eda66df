import { useRef } from "preact/hooks";
import { TerminalScreen } from "./terminal-screen.js";

const TAIL = 128;

interface Written {
  screen: TerminalScreen;
  length: number;
  tail: string;
}

/** The screen that shows `text`. Of text that has grown only what is new is written to it. */
export function useTerminal(text: string): TerminalScreen {
  const written = useRef<Written>(undefined);
  let { current } = written;
  if (
    current === undefined ||
    text.length < current.length ||
    !text.startsWith(current.tail, current.length - current.tail.length)
  ) {
    current = { screen: new TerminalScreen(), length: 0, tail: "" };
  }
  if (text.length > current.length || written.current !== current) {
    current.screen.write(text.slice(current.length));
    current.length = text.length;
    current.tail = text.slice(-TAIL);
    written.current = current;
  }
  return current.screen;
}
