/** A visible node of a tree of JSON. */
export interface JsonNode {
  /** The names and indices that lead to it, as text: equal for equal places. */
  readonly path: string;
  readonly level: number;
  /** Its name in its parent; undefined at the root. */
  readonly name: string | undefined;
  readonly value: unknown;
  /** How many children it has; undefined for what can have none. */
  readonly children: number | undefined;
  readonly open: boolean;
  readonly position: number;
  readonly siblings: number;
  /** Of how many siblings this stands for those that are not shown yet. */
  readonly more: number;
}

/** So many children are shown at once; a node after them shows as many again. */
export const CHILDREN_SHOWN = 100;

/** What of a tree is open, and how many of a node's children are shown. */
export interface JsonTreeState {
  readonly open: ReadonlySet<string>;
  readonly shown: ReadonlyMap<string, number>;
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] | undefined {
  if (Array.isArray(value)) return value.map((child, index) => [String(index), child] as const);
  return typeof value === "object" && value !== null ? Object.entries(value) : undefined;
}

function countOf(value: unknown): number | undefined {
  if (Array.isArray(value)) return value.length;
  return typeof value === "object" && value !== null ? Object.keys(value).length : undefined;
}

/** The path of the root. */
export const ROOT = "$";

/** The nodes that can be seen, from top to bottom. */
export function visibleNodes(root: unknown, { open, shown }: JsonTreeState): readonly JsonNode[] {
  const nodes: JsonNode[] = [];
  const visit = (node: Omit<JsonNode, "children" | "open" | "more">) => {
    const children = countOf(node.value);
    const isOpen = children !== undefined && children > 0 && open.has(node.path);
    nodes.push({ ...node, children, open: isOpen, more: 0 });
    if (!isOpen) return;
    const all = entriesOf(node.value) ?? [];
    const limit = shown.get(node.path) ?? CHILDREN_SHOWN;
    const common = { level: node.level + 1, siblings: Math.min(all.length, limit + 1) };
    for (const [index, [name, value]] of all.slice(0, limit).entries()) {
      const path = `${node.path}/${encodeURIComponent(name)}`;
      visit({ ...common, path, name, value, position: index + 1 });
    }
    if (all.length > limit) {
      nodes.push({
        ...common,
        path: `${node.path}//more`,
        name: undefined,
        value: undefined,
        position: limit + 1,
        children: undefined,
        open: false,
        more: all.length - limit,
      });
    }
  };
  visit({ path: ROOT, level: 1, name: undefined, value: root, position: 1, siblings: 1 });
  return nodes;
}

/** The path of the node that holds this one. */
export function parentPath(path: string): string {
  return (
    path.slice(0, Math.max(path.endsWith("//more") ? path.length - 6 : path.lastIndexOf("/"), 0)) ||
    ROOT
  );
}
