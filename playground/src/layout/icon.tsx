const PATHS = {
  play: "M7 5.5v13l11-6.5z",
  "play-all": "M4 5.5v13l8-6.5zM12.5 5.5v13l8-6.5z",
  stop: "M7 7h10v10H7z",
  restart: "M19 12a7 7 0 1 1-2.2-5.1M19 3.5v4h-4",
  plus: "M12 5v14M5 12h14",
  up: "M12 19V5M6 11l6-6 6 6",
  down: "M12 5v14M6 13l6 6 6-6",
  trash: "M5 7h14M10 7V4.5h4V7M7 7l.8 12h8.4L17 7",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
  moon: "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z",
  system: "M4 5h16v11H4zM9 20h6M12 16v4",
  keyboard: "M3 7h18v10H3zM6.5 10.5h.01M10 10.5h.01M13.5 10.5h.01M17 10.5h.01M8 14h8",
  pane: "M4 5h16v14H4zM14.5 5v14",
  close: "M6 6l12 12M18 6L6 18",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  open: "M4 18V6h5l2 2.5h9V18z",
  copy: "M9 9h10v10H9zM5 15V5h10",
  alert: "M12 4l9 16H3zM12 10v4.5M12 17.3h.01",
  check: "M5 12.5l4.5 4.5L19 7.5",
} as const;

export type IconName = keyof typeof PATHS;

const FILLED: readonly IconName[] = ["play", "play-all", "stop"];

/** A drawing beside words, or in a button that has a name of its own. */
export function Icon({ name }: { name: IconName }) {
  const isFilled = FILLED.includes(name);
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path
        d={PATHS[name]}
        fill={isFilled ? "currentColor" : "none"}
        stroke="currentColor"
        stroke-width={name === "more" ? 3 : isFilled ? 1 : 1.8}
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}
