// German.
import type {Strings} from './en.ts';

export const strings: Strings = {
  label: 'Chat mit Gemma',
  conversation: 'Unterhaltung',
  clear: 'Leeren',

  posterTitle: 'Ein Chat, der auf Ihrem Gerät läuft',
  posterText:
    'Das Modell wird in diesen Browser geladen und antwortet hier. Was Sie schreiben, wird nirgendwohin gesendet.',
  factFile: 'Modell',
  factSize: 'Größe',
  factHost: 'Von',
  sizeAsking: '…',
  sizeUnknown: 'Größe unbekannt',
  hostDevice: 'diesem Gerät',
  load: 'Modell laden',
  noModel: 'Für diesen Chat ist kein Modell eingestellt.',
  offlinePoster: 'Sie sind offline. Wurde das Modell hier schon einmal geladen, kann es trotzdem benutzt werden.',

  downloading: 'Das Modell wird geladen',
  downloadingBytes: 'Das Modell wird geladen: {loaded} von {total}',
  preparing: 'Das Modell wird auf Ihrer GPU vorbereitet',
  cancel: 'Abbrechen',

  empty: 'Fragen Sie etwas. Die Antwort entsteht auf Ihrem Gerät.',
  authorUser: 'Sie',
  authorAssistant: 'Gemma',
  waiting: 'Gemma liest',
  noAnswer: 'Das Modell hat nicht geantwortet.',
  thinkingNow: 'Denkt nach …',
  thinkingDone: 'Gedanken',
  regenerate: 'Neu antworten',

  input: 'Nachricht',
  placeholder: 'Nachricht schreiben',
  send: 'Senden',
  stop: 'Anhalten',

  statusReady: 'Auf Ihrem Gerät',
  statusReadyModel: '{model}, auf Ihrem Gerät',
  statusQueued: 'Wartet, bis ein anderer Chat fertig ist …',
  statusReading: 'Liest: {done} von {total} Token',
  statusGenerating: 'Antwortet …',
  statusStopped: 'Angehalten.',
  statusLength: 'Die Antwort hat ihre größte Länge erreicht.',

  announceLoading: 'Das Modell wird geladen.',
  announceReady: 'Das Modell ist bereit.',
  announceStopped: 'Angehalten.',
  announceCleared: 'Unterhaltung geleert.',

  openChat: 'Chat öffnen',
  closeChat: 'Chat schließen',
  launcherFailed: 'Der Chat konnte nicht geladen werden. Prüfen Sie Ihre Verbindung und versuchen Sie es erneut.',

  history: 'Unterhaltungen',
  historyBack: 'Zurück zum Chat',
  historyNew: 'Neue Unterhaltung',
  historyNone: 'Noch ist keine Unterhaltung aufbewahrt.',
  historyUntitled: 'Ohne Titel',
  historyMessages: {one: '{count} Nachricht', other: '{count} Nachrichten'},
  historyRename: 'Umbenennen',
  historyRenameInput: 'Titel der Unterhaltung',
  historySave: 'Speichern',
  historyDelete: 'Löschen',
  historyDeleteAsk: 'Diese Unterhaltung löschen?',
  historyExport: 'Exportieren',
  historyExportMarkdown: 'Als Markdown exportieren',
  historyExportAll: 'Alle exportieren',
  historyImport: 'Importieren',
  historyImported: {one: '{count} Unterhaltung importiert.', other: '{count} Unterhaltungen importiert.'},
  historyImportFailed: 'Diese Datei enthält keine lesbare Unterhaltung.',
  historyDeleted: 'Unterhaltung gelöscht.',
  historyRenamed: 'Unterhaltung umbenannt.',
  historyOpened: 'Unterhaltung geöffnet.',
  historyFailed:
    'In diesem Browser können keine Unterhaltungen aufbewahrt werden. Diese bleibt, bis die Seite geschlossen wird.',

  errorTitleFile: 'Das Modell ist nicht verwendbar',
  errorTitleNetwork: 'Das Modell konnte nicht geholt werden',
  errorTitleDevice: 'Dieses Gerät kann das Modell nicht ausführen',
  errorTitleSetup: 'Dieser Chat ist nicht richtig eingerichtet',
  errorTitleAnswer: 'Darauf war keine Antwort möglich',
  errorTitleStopped: 'Der Chat musste anhalten',
  errorOwner: 'Das kann nur der Betreiber dieser Website ändern.',
  errorOffline: 'Sie sind offline. Stellen Sie eine Verbindung zum Internet her und versuchen Sie es erneut.',
  errorSpace: 'Benötigt: {needed}. Frei: {free}.',
  errorDetails: 'Einzelheiten',
  retry: 'Erneut versuchen',
  reloadPage: 'Seite neu laden',
  copyReport: 'Bericht kopieren',
  reportCopied: 'Bericht kopiert.',
  reportFailed: 'Der Bericht konnte nicht kopiert werden.',

  'error-not-gguf': 'Die Datei hinter diesem Chat ist kein GGUF-Modell.',
  'error-gguf-truncated':
    'Die Modelldatei endet zu früh. Vermutlich wurde sie nicht vollständig hoch- oder heruntergeladen.',
  'error-gguf-version': 'Die Modelldatei hat eine Version des GGUF-Formats, die dieser Chat nicht lesen kann.',
  'error-gguf-invalid': 'Die Modelldatei ist beschädigt oder fehlerhaft aufgebaut.',
  'error-gguf-split': 'Die Modelldatei ist nur einer von mehreren Teilen; dieser Chat braucht sie in einem Stück.',
  'error-architecture-unsupported': 'Diese Art von Modell wird nicht unterstützt. Unterstützt werden Gemma-Modelle.',
  'error-quant-unsupported':
    'Die Modelldatei speichert ihre Gewichte in einem Format, das dieser Chat nicht verwenden kann.',
  'error-tensor-missing': 'Der Modelldatei fehlt ein Teil, den diese Art von Modell braucht.',
  'error-tensor-shape': 'Ein Teil der Modelldatei hat nicht die erwartete Größe.',
  'error-config-invalid': 'Die Angaben in der Modelldatei passen nicht zusammen.',
  'error-tokenizer-invalid': 'Das Vokabular in der Modelldatei ist nicht verwendbar.',
  'error-template-invalid': 'Die Chat-Vorlage in der Modelldatei ist nicht verwendbar.',
  'error-network': 'Das Modell konnte nicht geholt werden. Prüfen Sie Ihre Verbindung und versuchen Sie es erneut.',
  'error-http-status': 'Der Server mit dem Modell hat es nicht herausgegeben.',
  'error-cors': 'Der Server mit dem Modell erlaubt dieser Seite nicht, es zu lesen.',
  'error-range-unsupported': 'Der Server mit dem Modell kann es nicht in Stücken senden.',
  'error-file-changed': 'Die Modelldatei hat sich beim Laden geändert. Versuchen Sie es erneut.',
  'error-integrity-mismatch': 'Die Modelldatei ist nicht die, die diese Seite verlangt. Nichts davon wurde behalten.',
  'error-storage-full':
    'Auf diesem Gerät ist nicht genug Platz für das Modell. Schaffen Sie Platz und versuchen Sie es erneut; was schon heruntergeladen ist, bleibt.',
  'error-storage-failed':
    'Der Browser konnte das Modell auf diesem Gerät nicht speichern oder lesen. Versuchen Sie es erneut.',
  'error-webgpu-missing':
    'Dieser Browser hat kein WebGPU, das das Modell braucht. Aktuelle Versionen von Chrome, Edge, Safari (ab 26) und Firefox haben es.',
  'error-adapter-missing':
    'Es wurde keine nutzbare GPU gefunden. Schalten Sie in den Einstellungen des Browsers die Hardwarebeschleunigung ein und starten Sie ihn neu.',
  'error-out-of-memory':
    'Für dieses Modell reicht der Speicher nicht. Schließen Sie andere Tabs und Programme und versuchen Sie es erneut.',
  'error-device-lost':
    'Die Verbindung zur GPU ging verloren. Versuchen Sie es erneut, um das Modell neu zu laden; die Unterhaltung bleibt.',
  'error-shader-invalid':
    'Der Treiber der GPU hat das Programm des Modells abgelehnt. Ein neuerer Browser oder Treiber kann helfen.',
  'error-context-overflow':
    'Die Unterhaltung passt nicht mehr in das Gedächtnis des Modells. Beginnen Sie eine neue oder senden Sie eine kürzere Nachricht.',
  'error-option-unknown': 'Dieser Chat wurde mit einer Option eingerichtet, die es nicht gibt.',
  'error-option-invalid': 'Dieser Chat wurde mit einem Wert eingerichtet, der nicht erlaubt ist.',
  'error-closed': 'Die Verbindung zum Modell wurde geschlossen. Versuchen Sie es erneut, um es neu zu laden.',
  'error-worker-failed':
    'Der Teil des Chats, der im Hintergrund läuft, ist stehen geblieben. Versuchen Sie es erneut, um ihn neu zu starten.',
  'error-protocol-mismatch':
    'Die Seite und ihr Hintergrundprozess haben verschiedene Versionen. Laden Sie die Seite neu.',
  'error-model-in-use':
    'Ein anderer Chat auf dieser Website benutzt ein anderes Modell. Schließen Sie ihn und versuchen Sie es erneut.',
  'error-internal': 'Im Chat ist etwas schiefgegangen.',
};
