import { z } from "zod";

/** An image that sessions can be made from, as clients see it. */
export const imageViewSchema = z
  .object({
    name: z.string().describe("What `image` of a session may be"),
    description: z.string(),
    languages: z.array(z.string()),
    default: z.boolean().describe("Whether sessions that name none are made from it"),
    built: z.boolean().describe("Whether sessions can be made from it at once"),
  })
  .meta({ id: "SessionImage" });

export type ImageView = z.output<typeof imageViewSchema>;
