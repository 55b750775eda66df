/** Gives bytes to the browser to be saved as a file. */
export function saveBlob(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The browser reads it once the click has been handled.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
