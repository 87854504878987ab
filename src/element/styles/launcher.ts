// The panel that opens above the launcher's button; on a small screen it covers the page. And the shapes without a
// button.
import {css, unsafeCSS} from 'lit';
import {COVERING} from './covering.ts';
import {launcherButton} from './launcher-button.ts';

export const launcher = css`
  :host([display='panel']) {
    inline-size: 100%;
    min-block-size: 0;
    flex: 1 1 auto;
  }

  .root.panel {
    contain-intrinsic-size: calc(20 * var(--_gemma-em)) calc(20 * var(--_gemma-em));
  }

  .root.panel > [part='base'] {
    border: 0;
    border-radius: 0;
  }

  ${unsafeCSS(launcherButton)}

  [part='panel'] {
    position: absolute;
    inset-block-end: calc(100% + 0.75 * var(--_gemma-em));
    inset-inline-end: 0;
    inline-size: min(var(--_panel-width), 100vi - 2 * var(--_gemma-em));
    block-size: min(var(--_panel-height), 100dvb - 7 * var(--_gemma-em));
    border-radius: var(--_gemma-radius);
    box-shadow: var(--_shadow);
    container: gemma-chat / size;
    animation: panel-in 0.16s ease-out;
  }

  [part='panel'][hidden] {
    display: none;
  }

  @keyframes panel-in {
    from {
      opacity: 0;
      translate: 0 calc(0.5 * var(--_gemma-em));
    }
  }

  @media ${unsafeCSS(COVERING)} {
    [part='panel'] {
      position: fixed;
      inset: 0;
      inline-size: auto;
      block-size: auto;
      border-radius: 0;
    }

    /* It would lie over the text field; the header has a button too. */
    :host([open]) [part~='launcher-button'] {
      visibility: hidden;
    }

    [part='panel'] [part='base'] {
      border: 0;
      border-radius: 0;
    }
  }
`;
