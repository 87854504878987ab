export interface OllamaServer {
  url: string;
  port: number;
  close(): Promise<void>;
}
export function serveOllama(options: {models: string; port?: number; origins?: string[]}): Promise<OllamaServer>;
