interface LinkQuestionProps {
  href: string;
  onAnswer: () => void;
}

/** A page is opened by a click in ours, on an address that is shown whole: by itself a frame opens nothing. */
export function LinkQuestion({ href, onAnswer }: LinkQuestionProps) {
  return (
    <p class="output-note output-link" role="alert">
      <span>
        Open <b>{href}</b>?
      </span>
      <a
        class="output-button"
        href={href}
        target="_blank"
        rel="noopener noreferrer"
        onClick={onAnswer}
      >
        Open
      </a>
      <button type="button" class="output-button" onClick={onAnswer}>
        Stay here
      </button>
    </p>
  );
}
