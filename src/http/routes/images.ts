import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { type ImageView, imageViewSchema } from "../../sessions/image-view.js";
import { problems } from "../problem.js";

export const imageRoutes: FastifyPluginAsyncZod<{ images: readonly ImageView[] }> = async (
  app,
  { images },
) => {
  app.get(
    "/images",
    {
      schema: {
        tags: ["Service"],
        summary: "The images that sessions can be made from",
        response: { 200: z.object({ images: z.array(imageViewSchema) }), ...problems() },
      },
    },
    async () => ({ images: [...images] }),
  );
};
