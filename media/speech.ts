/**
 * Turns what the far end says into text: an optional part of an endpoint. No engine of Tacet has it, and nothing asks for it
 * yet: bots go by keys. It is here so that an engine that gains it, and the bots' `phrases`, agree on its form.
 */
export interface Speech {
  /**
   * Hears one utterance. Null: the signal aborted before there was one. Never called while the endpoint is in secure mode:
   * what is said there is keyed data as any other.
   */
  listen(signal: AbortSignal): Promise<string | null>;
}
