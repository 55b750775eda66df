const MOST_ERRORS = 5;

/** Shows errors of the output's own code below it, as a notebook does. */
export function showErrors(container: HTMLElement): void {
  let count = 0;
  const show = (error: unknown) => {
    count += 1;
    if (count > MOST_ERRORS) return;
    const text = document.createElement("pre");
    text.className = "script-error";
    text.textContent = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    container.append(text);
  };
  window.addEventListener("error", (event) => {
    // Elements that could not load something report to themselves.
    if (event instanceof ErrorEvent) show(event.error ?? event.message);
  });
  window.addEventListener("unhandledrejection", ({ reason }) => show(reason));
}
