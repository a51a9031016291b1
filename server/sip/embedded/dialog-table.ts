import type { Dialog } from './dialog.js';

/** Every dialog alive, found by drachtio's identifier, by its tags, or by its Call-ID. */
export class DialogTable {
  readonly #byId = new Map<string, Dialog>();
  readonly #byTag = new Map<string, Dialog>();

  get size(): number {
    return this.#byId.size;
  }

  add(dialog: Dialog): void {
    this.#byId.set(dialog.id, dialog);
    this.#byTag.set(tagKey(dialog.callId, dialog.localTag), dialog);
  }

  /** Removes the dialog and lets its connection go. */
  remove(dialog: Dialog): void {
    if (this.#byId.get(dialog.id) === dialog) this.#byId.delete(dialog.id);
    this.#byTag.delete(tagKey(dialog.callId, dialog.localTag));
    dialog.flow = undefined;
  }

  has(dialog: Dialog): boolean {
    return this.#byId.get(dialog.id) === dialog;
  }

  byId(id: string): Dialog | undefined {
    return this.#byId.get(id);
  }

  /** The dialog of a request from the peer (RFC 3261 section 12.2.2); its tag may be unknown while early. */
  matching(callId: string, localTag: string, remoteTag: string): Dialog | undefined {
    const dialog = this.#byTag.get(tagKey(callId, localTag));
    if (!dialog) return undefined;
    const open = dialog.role === 'uac' && !dialog.confirmed;
    return open || dialog.remoteTag === remoteTag ? dialog : undefined;
  }

  /** Gives a dialog that the peer has not seen yet another local tag. */
  retag(dialog: Dialog, localTag: string): void {
    this.#byTag.delete(tagKey(dialog.callId, dialog.localTag));
    dialog.localTag = localTag;
    this.#byTag.set(tagKey(dialog.callId, localTag), dialog);
  }

  /** A confirmed dialog with this Call-ID. */
  confirmedWith(callId: string): Dialog | undefined {
    for (const dialog of this.#byId.values()) if (dialog.confirmed && dialog.callId === callId) return dialog;
    return undefined;
  }

  ownedBy(application: Dialog['application']): Dialog[] {
    return [...this.#byId.values()].filter((dialog) => dialog.application === application);
  }

  clear(): void {
    for (const dialog of this.#byId.values()) this.remove(dialog);
  }
}

function tagKey(callId: string, localTag: string): string {
  return `${callId} ${localTag}`;
}
