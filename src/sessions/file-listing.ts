import { z } from "zod";

/** What a directory of a session holds, sorted by path; paths are relative to `/workspace`. */
export const listingSchema = z
  .object({
    entries: z.array(
      z.object({
        path: z.string(),
        kind: z.enum(["file", "directory", "other"]),
        size: z.int(),
        modified_at: z.iso.datetime(),
      }),
    ),
    truncated: z.boolean().describe("There are more entries than are listed"),
  })
  .meta({ id: "Listing" });

export type Listing = z.output<typeof listingSchema>;
