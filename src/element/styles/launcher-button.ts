// The floating button of `display="launcher"`, and where it stands. Text, as the palette: the launcher's small script
// paints the same button before the element is there.

export const launcherButton = `
  /* The page may place the host; where a reset took its place, the root has one. */
  :host([display='launcher']),
  .root.launcher.loose {
    position: fixed;
    inset-block-end: max(var(--_gemma-em), env(safe-area-inset-bottom));
    inset-inline-end: max(var(--_gemma-em), env(safe-area-inset-right));
    z-index: var(--gemma-chat-z-index, 1000);
  }

  :host([display='launcher']) {
    display: block;
    inline-size: auto;
    block-size: auto;
  }

  .root.launcher {
    block-size: auto;
    min-block-size: 0;
    container: none;
    contain-intrinsic-size: none;
  }

  :host([display='launcher'][hidden]) {
    display: none;
  }

  [part~='launcher-button'] {
    position: relative;
    display: grid;
    place-items: center;
    box-sizing: border-box;
    inline-size: max(44px, 3.5 * var(--_gemma-em));
    block-size: max(44px, 3.5 * var(--_gemma-em));
    min-block-size: 0;
    margin: 0;
    padding: 0;
    color: var(--_on-accent);
    background: var(--_accent);
    border: 1px solid transparent;
    border-radius: var(--gemma-chat-launcher-radius, 50%);
    box-shadow: var(--_shadow);
    cursor: pointer;
    transition: scale 0.12s;
  }

  [part~='launcher-button']:hover {
    scale: 1.05;
  }

  [part~='launcher-button']:focus-visible {
    outline: 3px solid var(--_accent);
    outline-offset: 3px;
  }

  [part~='launcher-button'] svg {
    inline-size: calc(1.625 * var(--_gemma-em));
    block-size: calc(1.625 * var(--_gemma-em));
  }

  @media (forced-colors: active) {
    [part~='launcher-button'] {
      border-color: ButtonBorder;
    }
  }

  @media (prefers-reduced-motion: reduce) {
    [part~='launcher-button'] {
      transition: none;
    }
  }
`;
