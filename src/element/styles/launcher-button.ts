// The floating button of `display="launcher"`, and where it stands. Text, as the palette: the launcher's small script
// paints the same button before the element is there.

export const launcherButton = `
  :host([display='launcher']) {
    position: fixed;
    inset-block-end: max(1rem, env(safe-area-inset-bottom));
    inset-inline-end: max(1rem, env(safe-area-inset-right));
    z-index: var(--gemma-chat-z-index, 1000);
    display: block;
    inline-size: auto;
    block-size: auto;
    contain-intrinsic-size: none;
    container: none;
    font-family: var(--gemma-chat-font, inherit);
  }

  :host([display='launcher'][hidden]) {
    display: none;
  }

  [part~='launcher-button'] {
    position: relative;
    display: grid;
    place-items: center;
    box-sizing: border-box;
    inline-size: 3.5rem;
    block-size: 3.5rem;
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
    inline-size: 1.625rem;
    block-size: 1.625rem;
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
