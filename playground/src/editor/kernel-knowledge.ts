/** What a running interpreter knows of code that is being written. Nothing where none runs. */
export interface KernelKnowledge {
  /** `cursor`, `from` and `to` count Unicode code points. */
  complete: (
    code: string,
    cursor: number,
    signal: AbortSignal,
  ) => Promise<KernelCompletion | undefined>;
  /** Words about the name at the cursor. */
  inspect: (code: string, cursor: number, signal: AbortSignal) => Promise<string | undefined>;
}

export interface KernelCompletion {
  from: number;
  to: number;
  options: readonly { text: string; type?: string | undefined }[];
}
