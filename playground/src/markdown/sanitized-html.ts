import DOMPurify from "dompurify";

/** What carries math until it is typeset; its text is the source. */
export const MATH_CLASS = "math";

const purifier = DOMPurify(window);

// Links of a document lead out of the page, which is not to learn where they were clicked.
purifier.addHook("afterSanitizeAttributes", (node) => {
  if (node.nodeName === "A" && node.hasAttribute("href")) {
    node.setAttribute("target", "_blank");
    node.setAttribute("rel", "noopener noreferrer");
  }
});

/**
 * HTML that is nothing but a document: no scripts, forms, frames, styles, event handlers, nor ids by which it could pass
 * for a part of the page. Images are those it brings along: none is fetched.
 */
export function sanitizedFragment(html: string): DocumentFragment {
  return purifier.sanitize(html, {
    RETURN_DOM_FRAGMENT: true,
    USE_PROFILES: { html: true, mathMl: true },
    FORBID_TAGS: [
      "style",
      "form",
      "button",
      "select",
      "textarea",
      "dialog",
      "audio",
      "video",
      "source",
    ],
    FORBID_ATTR: ["style", "id", "name", "autofocus", "contenteditable", "tabindex", "popover"],
    ALLOW_DATA_ATTR: false,
    ALLOWED_URI_REGEXP:
      /^(?:https?:|mailto:|data:image\/(?:png|jpeg|gif|webp);|#|[^a-z:]|[a-z+.-]+(?:[^a-z+.\-:]|$))/i,
  });
}
