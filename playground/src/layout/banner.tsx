import type { ComponentChildren } from "preact";
import { Icon } from "./icon.jsx";
import "./banner.css";

export interface BannerProps {
  tone: "info" | "warning" | "error";
  children: ComponentChildren;
  /** Buttons that do something about it. */
  actions?: ComponentChildren;
  onDismiss?: (() => void) | undefined;
}

/** Something of the whole page that is to be known, calmly. */
export function Banner({ tone, children, actions, onDismiss }: BannerProps) {
  return (
    <div class={`banner banner-${tone}`} role={tone === "info" ? "status" : "alert"}>
      <p>{children}</p>
      <div class="banner-actions">
        {actions}
        {onDismiss && (
          <button
            type="button"
            class="button button-quiet button-icon"
            aria-label="Dismiss"
            onClick={onDismiss}
          >
            <Icon name="close" />
          </button>
        )}
      </div>
    </div>
  );
}
