import { useLayoutEffect, useRef } from "preact/hooks";

interface FragmentViewProps {
  /** Nodes that are safe to have in the page. They are shown once: another fragment replaces them. */
  fragment: DocumentFragment;
  class: string;
}

/** Shows nodes that were made outside of preact. */
export function FragmentView({ fragment, class: name }: FragmentViewProps) {
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (fragment.hasChildNodes()) element.current?.replaceChildren(fragment);
  }, [fragment]);
  return <div ref={element} class={name} />;
}
