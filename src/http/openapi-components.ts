const SCHEMAS = "#/components/schemas/";

export interface OpenApiDocument {
  paths?: Record<string, unknown>;
  components?: { schemas?: Record<string, unknown> };
}

/** The names of the component schemas that a value refers to. */
function references(value: unknown): Set<string> {
  const names = new Set<string>();
  JSON.stringify(value, (key, inner: unknown) => {
    if (key === "$ref" && typeof inner === "string" && inner.startsWith(SCHEMAS)) {
      names.add(inner.slice(SCHEMAS.length));
    }
    return inner;
  });
  return names;
}

function rename<T>(value: T, names: ReadonlyMap<string, string>): T {
  return JSON.parse(
    JSON.stringify(value, (key, inner: unknown) => {
      if (key !== "$ref" || typeof inner !== "string" || !inner.startsWith(SCHEMAS)) return inner;
      const name = inner.slice(SCHEMAS.length);
      return SCHEMAS + (names.get(name) ?? name);
    }),
  ) as T;
}

/** Keeps the schemas that the rest of the document or `also` names, directly or through others. */
function withoutUnused<T extends OpenApiDocument>(document: T, also: string[]): T {
  const { schemas = {}, ...components } = document.components ?? {};
  const needed = new Set<string>();
  let found = references({ ...document, components });
  for (const name of also) found.add(name);
  while (found.size > 0) {
    const next = new Set<string>();
    for (const name of found) {
      if (needed.has(name)) continue;
      needed.add(name);
      for (const further of references(schemas[name])) next.add(further);
    }
    found = next;
  }
  const kept = Object.entries(schemas).filter(([name]) => needed.has(name));
  return { ...document, components: { ...components, schemas: Object.fromEntries(kept) } };
}

/**
 * Every schema comes twice, as what goes in (`…Input`) and as what comes out. Leaves one of them under the plain name
 * where only one is used, and drops what neither the document nor `also` refers to.
 */
export function tidyComponents<T extends OpenApiDocument>(document: T, also: string[] = []): T {
  const tidy = withoutUnused(document, also);
  const schemas = tidy.components?.schemas ?? {};
  const names = new Map<string, string>();
  for (const name of Object.keys(schemas)) {
    const plain = name.replace(/Input$/, "");
    if (plain !== name && !Object.hasOwn(schemas, plain)) names.set(name, plain);
  }
  const renamed = rename(tidy, names);
  return {
    ...renamed,
    components: {
      ...renamed.components,
      schemas: Object.fromEntries(
        Object.entries(renamed.components?.schemas ?? {}).map(([name, schema]) => [
          names.get(name) ?? name,
          schema,
        ]),
      ),
    },
  };
}
