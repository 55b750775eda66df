import type { ComponentChild, FunctionComponent } from "preact";
import { useRef } from "preact/hooks";

/** A component that keeps what it drew while its properties are equal; as React's `memo`, which preact has in compat only. */
export function memo<Properties extends object>(
  draw: (properties: Properties) => ComponentChild,
  equal: (before: Properties, after: Properties) => boolean,
): FunctionComponent<Properties> {
  const Drawn = draw as FunctionComponent<Properties>;
  return function Memoised(properties) {
    const kept = useRef<{ properties: Properties; child: ComponentChild }>(undefined);
    if (!kept.current || !equal(kept.current.properties, properties)) {
      kept.current = { properties, child: <Drawn {...properties} /> };
    }
    return kept.current.child;
  };
}
