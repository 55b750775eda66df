import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Playground } from "../playground.js";

export const PlaygroundContext = createContext<Playground | undefined>(undefined);

/** The page's parts. Throws outside of the page. */
export function usePlayground(): Playground {
  const playground = useContext(PlaygroundContext);
  if (!playground) throw new Error("There is no playground around this component");
  return playground;
}
