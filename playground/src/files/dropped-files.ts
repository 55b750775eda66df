import { notice } from "../layout/notice.js";

/** The files of a drop. Folders are left out, which is told: the browser has no bytes for them. */
export function droppedFiles(transfer: DataTransfer): File[] {
  const items = [...transfer.items].filter(({ kind }) => kind === "file");
  const isFolder = (item: DataTransferItem) => item.webkitGetAsEntry()?.isDirectory === true;
  const folders = items.filter(isFolder).length;
  if (folders > 0)
    notice.value = {
      tone: "warning",
      words: "Folders cannot be uploaded: open them, and drop the files that are in them.",
    };
  if (folders === 0) return [...transfer.files];
  return items.flatMap((item) => (isFolder(item) ? [] : (item.getAsFile() ?? [])));
}
