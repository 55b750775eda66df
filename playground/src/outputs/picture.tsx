import { useRef } from "preact/hooks";
import "./picture.css";

interface PictureProps {
  /** A data: or blob: URL of a raster or SVG picture. */
  source: string;
  alternative: string;
  width?: number | undefined;
  height?: number | undefined;
  /** What the file is called when it is saved. */
  fileName: string;
}

/** A picture that opens enlarged, where it can be saved. */
export function Picture({ source, alternative, width, height, fileName }: PictureProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  return (
    <div class="picture">
      <button
        type="button"
        class="picture-button"
        aria-label={`Enlarge: ${alternative}`}
        onClick={() => dialog.current?.showModal()}
      >
        <img src={source} alt={alternative} width={width} height={height} />
      </button>
      <dialog
        ref={dialog}
        class="picture-dialog"
        aria-label={alternative}
        onClick={(event) => {
          if (event.target === event.currentTarget) event.currentTarget.close();
        }}
      >
        <img src={source} alt={alternative} />
        <div class="picture-dialog-actions">
          <a class="button" href={source} download={fileName}>
            Save picture
          </a>
          <button type="button" class="button" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </div>
      </dialog>
    </div>
  );
}
