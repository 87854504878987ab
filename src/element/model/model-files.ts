// Models of the visitor's own: chosen, dropped, or used before. Owns what was found and which of it is meant; loads
// nothing and knows no markup.
import {type Dropped, readDrop} from './files/dropped.ts';
import type {FoundModel} from './files/ollama-folder.ts';

// Few visitors bring a model: what reads one comes when they do.
const handles = () => import('./files/handles.ts');
const folders = () => import('./files/ollama-folder.ts');

export interface FilesHost {
  /** Whether a visitor may bring a model now. */
  open(): boolean;
  use(files: File[], integrity: string | null): void;
  changed(): void;
}

type Picker = (options: {multiple: boolean}) => Promise<FileSystemFileHandle[]>;

/** The visitor's own files for one chat. */
export class ModelFiles {
  readonly #host: FilesHost;
  #remembered: FileSystemFileHandle[] = [];
  #looked = false;

  /** Several models were found: the visitor says which. */
  choices: readonly FoundModel[] = [];
  /** What was brought holds no model. */
  nothing = false;

  constructor(host: FilesHost) {
    this.#host = host;
  }

  /** The name of what was used last; null where nothing is remembered. */
  get last(): string | null {
    return this.#remembered[0]?.name ?? null;
  }

  /** Looks up what is remembered, once. */
  async look(): Promise<void> {
    if (this.#looked) return;
    this.#looked = true;
    const {rememberedFiles} = await handles();
    this.#remembered = await rememberedFiles();
    if (this.#remembered.length > 0) this.#host.changed();
  }

  dragOver(event: DragEvent): void {
    if (this.#host.open() && event.dataTransfer?.types.includes('Files')) event.preventDefault();
  }

  drop(event: DragEvent): void {
    if (!this.#host.open() || !event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    void this.#take(readDrop(event.dataTransfer));
  }

  async choose(): Promise<void> {
    const picker = (globalThis as {showOpenFilePicker?: Picker}).showOpenFilePicker;
    if (!picker) return this.#take({files: await chooseByInput(), folders: [], handles: Promise.resolve([])});
    const chosen = await picker({multiple: true}).catch(() => []); // closed without a choice
    const files = await Promise.all(chosen.map((handle) => handle.getFile()));
    await this.#take({files, folders: [], handles: Promise.resolve(chosen)});
  }

  /** What was used last, if the visitor lets us read it again. */
  async again(): Promise<void> {
    const [{openHandles, forgetFiles}, {modelsOf}] = await Promise.all([handles(), folders()]);
    try {
      const files = await openHandles(this.#remembered);
      if (files) this.#use(files, modelsOf(files)[0]?.integrity ?? null);
    } catch {
      // Moved or deleted.
      this.#remembered = [];
      await forgetFiles();
      this.#found([]);
    }
  }

  async pick(model: FoundModel): Promise<void> {
    try {
      this.#use(await model.files(), model.integrity);
    } catch {
      this.#found([]);
    }
  }

  async #take(dropped: Dropped): Promise<void> {
    const {files} = dropped;
    if (files.length === 0 && dropped.folders.length === 0) return;
    const {modelsIn, modelsOf} = await folders();
    const models = [...modelsOf(files), ...(await Promise.all(dropped.folders.map(modelsIn))).flat()];
    if (models.length !== 1) return this.#found(models);
    const kept = dropped.folders.length === 0 ? await dropped.handles : [];
    if (kept.length > 0) {
      this.#remembered = kept;
      await (await handles()).rememberFiles(kept);
    }
    await this.pick(models[0]);
  }

  #found(models: readonly FoundModel[]): void {
    this.choices = models;
    this.nothing = models.length === 0;
    this.#host.changed();
  }

  #use(files: File[], integrity: string | null): void {
    this.choices = [];
    this.nothing = false;
    this.#host.use(files, integrity);
  }
}

function chooseByInput(): Promise<File[]> {
  const input = document.createElement('input');
  input.type = 'file';
  input.multiple = true;
  return new Promise((resolve) => {
    input.addEventListener('change', () => resolve([...(input.files ?? [])]));
    input.addEventListener('cancel', () => resolve([]));
    input.click();
  });
}
