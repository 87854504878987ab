// Where there is no room beside the launcher's panel. The styles and the focus agree on it.

export const COVERING = '(max-width: 480px), (max-height: 448px)';
