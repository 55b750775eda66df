import { effect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { parseFrameMessage, type PageMessage } from "../frame/frame-message.js";
import { theme } from "../layout/theme.js";
import { frameTheme } from "./frame-theme.js";
import { LinkQuestion } from "./link-question.js";
import "./isolated-frame.css";

/** The tallest frame, in CSS pixels; what is taller scrolls within it. */
const TALLEST = 720;
const FIRST_HEIGHT = 64;

const MOST_HOSTS = 4;

interface IsolatedFrameProps {
  mime: string;
  value: unknown;
  /** The frame has another document than ours; it is to be taken away. */
  onLeft: () => void;
  onFailed: (reason: string) => void;
}

/**
 * A frame of an origin of its own: its code reaches neither the page nor its storage, cookies or session, and no network.
 * Its content security policy and the page's (`frame-src`) keep it where it is; should it get to another document
 * nevertheless, that shows as a second load.
 */
export function IsolatedFrame({ mime, value, onLeft, onFailed }: IsolatedFrameProps) {
  const frame = useRef<HTMLIFrameElement>(null);
  const loads = useRef(0);
  const [height, setHeight] = useState(FIRST_HEIGHT);
  const [ready, setReady] = useState(false);
  const [link, setLink] = useState<string>();
  const [blocked, setBlocked] = useState<ReadonlySet<string>>(new Set());

  const failed = useRef(onFailed);
  failed.current = onFailed;

  // An opaque origin cannot be named as the target; the page's frame-src lets no other document be there.
  const send = (message: PageMessage) => frame.current?.contentWindow?.postMessage(message, "*");

  useEffect(() => {
    const onMessage = (event: MessageEvent) => {
      if (event.source !== frame.current?.contentWindow || event.origin !== "null") return;
      const message = parseFrameMessage(event.data);
      switch (message?.type) {
        case "ready":
          setReady(true);
          break;
        case "height":
          setHeight(Math.min(TALLEST, Math.ceil(message.height)));
          break;
        case "link":
          // Without the reader's own click into it, a frame could ask for anything at any time.
          if (document.activeElement === frame.current) setLink((asked) => asked ?? message.href);
          break;
        case "blocked":
          setBlocked((hosts) =>
            hosts.size < MOST_HOSTS ? new Set(hosts).add(message.host) : hosts,
          );
          break;
        case "failed":
          failed.current(message.reason);
          break;
        case undefined:
          break;
      }
    };
    window.addEventListener("message", onMessage);
    return () => window.removeEventListener("message", onMessage);
  }, []);

  useEffect(() => {
    if (ready) send({ type: "render", mime, value, theme: frameTheme(theme.peek()) });
  }, [ready, mime, value]);

  useEffect(() => {
    if (!ready) return;
    return effect(() => {
      send({ type: "theme", theme: frameTheme(theme.value) });
    });
  }, [ready]);

  return (
    <div class="isolated-output">
      <iframe
        ref={frame}
        class={ready ? "isolated-frame" : "isolated-frame isolated-frame-loading"}
        title={titleOf(mime)}
        sandbox="allow-scripts"
        referrerpolicy="no-referrer"
        allow=""
        src={new URL("frame.html", document.baseURI).href}
        height={height}
        onLoad={() => {
          loads.current += 1;
          if (loads.current > 1) onLeft();
        }}
      />
      {link !== undefined && <LinkQuestion href={link} onAnswer={() => setLink(undefined)} />}
      {blocked.size > 0 && (
        <p class="output-note" role="note">
          This output wanted something from {[...blocked].join(", ")}. Outputs have no network.
        </p>
      )}
    </div>
  );
}

function titleOf(mime: string): string {
  if (mime.includes("plotly") || mime.includes("vega")) return "Chart";
  return mime.includes("javascript") ? "JavaScript output" : "HTML output";
}
