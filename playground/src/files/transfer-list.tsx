import { Icon } from "../layout/icon.jsx";
import { sizeWords } from "../sessions/size-words.js";
import type { Transfer, Transfers } from "./transfers.js";

/** So many are shown; the others wait their turn. */
const SHOWN = 5;

/** Files on their way, and those that did not arrive. */
export function TransferList({ transfers }: { transfers: Transfers }) {
  const list = transfers.list.value;
  if (list.length === 0) return null;
  const hidden = list.length - SHOWN;
  return (
    <section class="transfers" aria-label="Transfers">
      <ul>
        {list.slice(0, SHOWN).map((transfer) => (
          <TransferItem
            key={transfer.id}
            transfer={transfer}
            onDismiss={() => transfers.dismiss(transfer.id)}
          />
        ))}
      </ul>
      {list.length > 1 && (
        <p class="transfers-end">
          <span class="muted">{hidden > 0 && `${hidden.toLocaleString("en")} more`}</span>
          <button type="button" class="button button-quiet" onClick={transfers.cancelAll}>
            {list.every(({ phase }) => phase === "failed") ? "Dismiss all" : "Cancel all"}
          </button>
        </p>
      )}
    </section>
  );
}

function TransferItem({ transfer, onDismiss }: { transfer: Transfer; onDismiss: () => void }) {
  const { name, direction, phase, failure = "" } = transfer;
  const verb = direction === "upload" ? "Upload" : "Download";
  return (
    <li class="transfer">
      <span class="transfer-name" title={name}>
        {name}
      </span>
      <button
        type="button"
        class="button button-quiet button-icon file-action"
        aria-label={`${phase === "failed" ? "Dismiss" : "Cancel"}: ${name}`}
        title={phase === "failed" ? "Dismiss" : "Cancel"}
        onClick={onDismiss}
      >
        <Icon name="close" />
      </button>
      {phase === "failed" ? (
        <p class="form-error" role="alert">
          {verb} failed: {failure}.
        </p>
      ) : (
        <>
          <progress
            aria-label={`${verb} of ${name}`}
            max={transfer.total ?? 1}
            value={phase === "waiting" || transfer.total === undefined ? undefined : transfer.done}
          />
          <p class="muted">{phase === "waiting" ? "Waiting" : progressWords(transfer)}</p>
        </>
      )}
    </li>
  );
}

function progressWords({ direction, done, total }: Transfer): string {
  // All is sent, and the gateway has yet to say that it is stored.
  if (direction === "upload" && done === total) return "Storing";
  const verb = direction === "upload" ? "Uploading" : "Downloading";
  const amount =
    total === undefined ? sizeWords(done) : `${sizeWords(done)} of ${sizeWords(total)}`;
  return `${verb}: ${amount}`;
}
