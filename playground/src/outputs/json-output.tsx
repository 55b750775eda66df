import { useMemo, useRef, useState } from "preact/hooks";
import { counted } from "./counted.js";
import { CHILDREN_SHOWN, type JsonNode, parentPath, ROOT, visibleNodes } from "./json-node.js";
import "./json-output.css";

const LONGEST_STRING = 2000;
const SMALL = 12;

interface JsonOutputProps {
  value: unknown;
  label: string;
}

/** JSON as a tree that opens and closes; keys as the ARIA practices have them for tree views. */
export function JsonOutput({ value, label }: JsonOutputProps) {
  const tree = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState<ReadonlySet<string>>(() => new Set(openAtFirst(value)));
  const [shown, setShown] = useState<ReadonlyMap<string, number>>(new Map());
  const [focused, setFocused] = useState(ROOT);
  const nodes = useMemo(() => visibleNodes(value, { open, shown }), [value, open, shown]);
  const current = nodes.some(({ path }) => path === focused) ? focused : ROOT;

  const focus = (node: JsonNode | undefined) => {
    if (!node) return;
    setFocused(node.path);
    tree.current?.querySelectorAll<HTMLElement>("[role=treeitem]")[nodes.indexOf(node)]?.focus();
  };
  const toggle = (node: JsonNode) => {
    setFocused(node.path);
    if (node.more > 0) {
      const parent = parentPath(node.path);
      const before = shown.get(parent) ?? CHILDREN_SHOWN;
      setShown(new Map(shown).set(parent, before + CHILDREN_SHOWN));
      setFocused(parent);
    } else if (node.children !== undefined && node.children > 0) {
      const next = new Set(open);
      if (!next.delete(node.path)) next.add(node.path);
      setOpen(next);
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const at = nodes.findIndex(({ path }) => path === current);
    const node = nodes[at];
    if (!node) return;
    const keys: Record<string, () => void> = {
      ArrowDown: () => focus(nodes[at + 1]),
      ArrowUp: () => focus(nodes[at - 1]),
      Home: () => focus(nodes[0]),
      End: () => focus(nodes.at(-1)),
      ArrowRight: () => (node.open ? focus(nodes[at + 1]) : toggle(node)),
      ArrowLeft: () =>
        node.open ? toggle(node) : focus(nodes.find(({ path }) => path === parentPath(node.path))),
      Enter: () => toggle(node),
      " ": () => toggle(node),
    };
    const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
    if (!act) return;
    // The notebook has keys of its own for these.
    event.preventDefault();
    event.stopPropagation();
    act();
  };

  return (
    <div ref={tree} class="json-output" role="tree" aria-label={label} onKeyDown={onKeyDown}>
      {nodes.map((node) => (
        <div
          key={node.path}
          class="json-node"
          role="treeitem"
          aria-level={node.level}
          aria-posinset={node.position}
          aria-setsize={node.siblings}
          aria-expanded={node.children ? node.open : undefined}
          tabIndex={node.path === current ? 0 : -1}
          style={{ "--level": node.level - 1 }}
          onClick={() => toggle(node)}
        >
          <JsonNodeText node={node} />
        </div>
      ))}
    </div>
  );
}

/** The root, and within it what is small. */
function openAtFirst(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  const small = Object.entries(value).filter(
    ([, child]) =>
      typeof child === "object" && child !== null && Object.keys(child as object).length <= SMALL,
  );
  return [
    ROOT,
    ...(small.length <= 4 ? small.map(([name]) => `${ROOT}/${encodeURIComponent(name)}`) : []),
  ];
}

function JsonNodeText({ node }: { node: JsonNode }) {
  if (node.more > 0) return <span class="json-more">{node.more.toLocaleString("en")} more …</span>;
  const mark = node.children
    ? node.open
      ? "json-mark json-mark-open"
      : "json-mark"
    : "json-space";
  return (
    <>
      <span class={mark} aria-hidden="true" />
      {node.name !== undefined && <span class="json-name">{node.name}: </span>}
      <JsonValue value={node.value} count={node.children} />
    </>
  );
}

function JsonValue({ value, count }: { value: unknown; count: number | undefined }) {
  if (count !== undefined) {
    const [left, right] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
    return (
      <span class="json-count">
        {left}
        {count > 0 && counted(count, Array.isArray(value) ? "item" : "key")}
        {right}
      </span>
    );
  }
  if (typeof value !== "string") return <span class={`json-${typeof value}`}>{String(value)}</span>;
  const text = JSON.stringify(value.slice(0, LONGEST_STRING));
  return (
    <span class="json-string">
      {value.length > LONGEST_STRING
        ? `${text} … ${counted(value.length - LONGEST_STRING, "more character")}`
        : text}
    </span>
  );
}
