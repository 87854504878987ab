// French.
import type {Strings} from './en.ts';

export const strings: Strings = {
  label: 'Discuter avec Gemma',
  conversation: 'Conversation',
  clear: 'Effacer',

  posterTitle: 'Une discussion qui reste sur votre appareil',
  posterText: 'Le modèle est chargé dans ce navigateur et répond ici. Ce que vous écrivez n’est envoyé nulle part.',
  factFile: 'Modèle',
  factSize: 'Taille',
  factHost: 'Source',
  sizeAsking: '…',
  sizeUnknown: 'taille inconnue',
  hostDevice: 'cet appareil',
  load: 'Charger le modèle',
  noModel: 'Aucun modèle n’est défini pour cette discussion.',
  offlinePoster: 'Vous êtes hors ligne. Si le modèle a déjà été chargé ici, il reste utilisable.',

  downloading: 'Chargement du modèle',
  downloadingBytes: 'Chargement du modèle : {loaded} sur {total}',
  preparing: 'Préparation du modèle sur votre GPU',
  cancel: 'Annuler',

  empty: 'Posez une question. La réponse est calculée sur votre appareil.',
  authorUser: 'Vous',
  authorAssistant: 'Gemma',
  waiting: 'Gemma lit',
  noAnswer: 'Le modèle n’a pas répondu.',
  thinkingNow: 'Réflexion…',
  thinkingDone: 'Réflexions',
  regenerate: 'Répondre à nouveau',

  input: 'Message',
  placeholder: 'Écrivez un message',
  send: 'Envoyer',
  stop: 'Arrêter',

  statusReady: 'Sur votre appareil',
  statusReadyModel: '{model}, sur votre appareil',
  statusQueued: 'En attente de la fin d’une autre discussion…',
  statusReading: 'Lecture : {done} jetons sur {total}',
  statusGenerating: 'Réponse en cours…',
  statusStopped: 'Arrêté.',
  statusLength: 'La réponse a atteint sa longueur maximale.',

  announceLoading: 'Chargement du modèle.',
  announceReady: 'Le modèle est prêt.',
  announceStopped: 'Arrêté.',
  announceCleared: 'Conversation effacée.',

  openChat: 'Ouvrir la discussion',
  closeChat: 'Fermer la discussion',
  launcherFailed: 'La discussion n’a pas pu être chargée. Vérifiez votre connexion, puis réessayez.',

  history: 'Conversations',
  historyBack: 'Retour à la discussion',
  historyNew: 'Nouvelle conversation',
  historyNone: 'Aucune conversation n’est encore conservée.',
  historyUntitled: 'Sans titre',
  historyMessages: {one: '{count} message', many: '{count} de messages', other: '{count} messages'},
  historyRename: 'Renommer',
  historyRenameInput: 'Titre de la conversation',
  historySave: 'Enregistrer',
  historyDelete: 'Supprimer',
  historyDeleteAsk: 'Supprimer cette conversation ?',
  historyExport: 'Exporter',
  historyExportMarkdown: 'Exporter en Markdown',
  historyExportAll: 'Tout exporter',
  historyImport: 'Importer',
  historyImported: {
    one: '{count} conversation importée.',
    many: '{count} de conversations importées.',
    other: '{count} conversations importées.',
  },
  historyImportFailed: 'Ce fichier ne contient aucune conversation lisible.',
  historyDeleted: 'Conversation supprimée.',
  historyRenamed: 'Conversation renommée.',
  historyOpened: 'Conversation ouverte.',
  historyFailed:
    'Ce navigateur ne peut pas conserver les conversations. Celle-ci dure jusqu’à la fermeture de la page.',

  errorTitleFile: 'Le modèle est inutilisable',
  errorTitleNetwork: 'Le modèle n’a pas pu être récupéré',
  errorTitleDevice: 'Cet appareil ne peut pas exécuter le modèle',
  errorTitleSetup: 'Cette discussion est mal configurée',
  errorTitleAnswer: 'Aucune réponse n’a été possible',
  errorTitleStopped: 'La discussion a dû s’arrêter',
  errorOwner: 'Seul le responsable de ce site peut y remédier.',
  errorOffline: 'Vous êtes hors ligne. Connectez-vous à Internet, puis réessayez.',
  errorSpace: 'Nécessaire : {needed}. Libre : {free}.',
  errorDetails: 'Détails',
  retry: 'Réessayer',
  reloadPage: 'Recharger la page',
  copyReport: 'Copier un rapport',
  reportCopied: 'Rapport copié.',
  reportFailed: 'Le rapport n’a pas pu être copié.',

  'error-not-gguf': 'Le fichier derrière cette discussion n’est pas un modèle GGUF.',
  'error-gguf-truncated':
    'Le fichier du modèle s’arrête trop tôt. Il n’a sans doute pas été envoyé ou téléchargé en entier.',
  'error-gguf-version':
    'Le fichier du modèle utilise une version du format GGUF que cette discussion ne sait pas lire.',
  'error-gguf-invalid': 'Le fichier du modèle est endommagé ou mal formé.',
  'error-gguf-split':
    'Le fichier du modèle n’est qu’une partie d’un ensemble ; cette discussion en a besoin en un seul morceau.',
  'error-architecture-unsupported': 'Ce type de modèle n’est pas pris en charge. Les modèles Gemma le sont.',
  'error-quant-unsupported':
    'Le fichier du modèle stocke ses poids dans un format que cette discussion ne peut pas utiliser.',
  'error-tensor-missing': 'Il manque au fichier du modèle une partie indispensable.',
  'error-tensor-shape': 'Une partie du fichier du modèle n’a pas la taille attendue.',
  'error-config-invalid': 'La description contenue dans le fichier du modèle est incohérente.',
  'error-tokenizer-invalid': 'Le vocabulaire contenu dans le fichier du modèle est inutilisable.',
  'error-template-invalid': 'Le gabarit de discussion contenu dans le fichier du modèle est inutilisable.',
  'error-network': 'Le modèle n’a pas pu être récupéré. Vérifiez votre connexion, puis réessayez.',
  'error-http-status': 'Le serveur qui détient le modèle a refusé de le fournir.',
  'error-cors': 'Le serveur qui détient le modèle n’autorise pas cette page à le lire.',
  'error-range-unsupported': 'Le serveur qui détient le modèle ne peut pas l’envoyer par morceaux.',
  'error-file-changed': 'Le fichier du modèle a changé pendant le chargement. Réessayez.',
  'error-integrity-mismatch': 'Le fichier du modèle n’est pas celui que cette page demande. Rien n’en a été conservé.',
  'error-storage-full':
    'L’espace libre de cet appareil ne suffit pas pour le modèle. Libérez de la place, puis réessayez ; ce qui a été téléchargé est conservé.',
  'error-storage-failed': 'Le navigateur n’a pas pu enregistrer ou lire le modèle sur cet appareil. Réessayez.',
  'error-webgpu-missing':
    'Ce navigateur n’a pas WebGPU, dont le modèle a besoin. Les versions actuelles de Chrome, Edge, Safari (26 et suivantes) et Firefox l’ont.',
  'error-adapter-missing':
    'Aucun GPU utilisable n’a été trouvé. Activez l’accélération matérielle dans les réglages du navigateur, puis redémarrez-le.',
  'error-out-of-memory':
    'La mémoire ne suffit pas pour ce modèle. Fermez d’autres onglets et programmes, puis réessayez.',
  'error-device-lost':
    'La connexion au GPU a été perdue. Réessayez pour recharger le modèle ; la conversation est conservée.',
  'error-shader-invalid':
    'Le pilote du GPU a refusé le programme du modèle. Un navigateur ou un pilote plus récent peut aider.',
  'error-context-overflow':
    'La conversation ne tient plus dans la mémoire du modèle. Commencez-en une nouvelle ou envoyez un message plus court.',
  'error-option-unknown': 'Cette discussion a été configurée avec une option qui n’existe pas.',
  'error-option-invalid': 'Cette discussion a été configurée avec une valeur non autorisée.',
  'error-closed': 'La connexion au modèle a été fermée. Réessayez pour le recharger.',
  'error-worker-failed':
    'La partie de la discussion qui tourne en arrière-plan s’est arrêtée. Réessayez pour la relancer.',
  'error-protocol-mismatch': 'La page et son processus d’arrière-plan sont de versions différentes. Rechargez la page.',
  'error-model-in-use': 'Une autre discussion de ce site utilise un autre modèle. Fermez-la, puis réessayez.',
  'error-internal': 'Un problème est survenu dans la discussion.',
};
