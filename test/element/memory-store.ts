// A history store in memory, as a page may bring its own. Two of them over one map are two tabs.
import type {HistoryStore, StoredConversation} from '../../src/element/history/store.ts';

export class MemoryStore implements HistoryStore {
  constructor(readonly records = new Map<string, StoredConversation>()) {}

  async list(scope: string) {
    return [...this.records].filter(([key]) => key.startsWith(`${scope}/`)).map(([, record]) => record);
  }

  async read(scope: string, id: string) {
    return this.records.get(`${scope}/${id}`) ?? null;
  }

  async write(scope: string, conversation: StoredConversation) {
    const before = this.records.get(`${scope}/${conversation.id}`);
    if (before && before.revision !== conversation.revision - 1) return false;
    this.records.set(`${scope}/${conversation.id}`, structuredClone(conversation));
    return true;
  }

  async remove(scope: string, id: string) {
    this.records.delete(`${scope}/${id}`);
  }
}
