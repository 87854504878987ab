// What changes with the width, with reduced motion and with forced colours. Comes last.
import {css} from 'lit';

export const conditions = css`
  /* A wide chat keeps its lines at a length that reads well. */
  @container gemma-chat (inline-size > 832px) {
    [part='messages'],
    [part='composer'] {
      padding-inline: calc((100% - 50 * var(--_gemma-em)) / 2);
    }

    [part='error'] {
      margin-inline: calc((100% - 50 * var(--_gemma-em)) / 2);
    }

    [part='history-list'],
    [part='history-footer'] {
      padding-inline: calc((100% - 50 * var(--_gemma-em)) / 2);
    }
  }

  /* Links that stand alone. */
  [part~='source-link'],
  [part='license-link'] {
    display: inline-block;
    min-block-size: 24px;
    min-inline-size: 24px;
  }

  /* A finger covers this much. */
  @media (pointer: coarse) {
    [part~='button'],
    [part~='source-link'],
    [part='license-link'],
    summary,
    input,
    textarea,
    .mirror {
      min-block-size: 44px;
    }

    [part~='button'] {
      min-inline-size: 44px;
    }

    [part~='source-link'],
    [part='license-link'],
    summary {
      padding-block: calc((44px - 1lh) / 2);
    }
  }

  @media (prefers-reduced-motion: reduce) {
    *,
    ::before,
    ::after {
      animation: none !important;
      transition: none !important;
    }
  }

  /* The whole conversation, and nothing to press. */
  @media print {
    :host,
    .root,
    [part='base'],
    [part='panel'] {
      position: static;
      display: block;
      block-size: auto;
      max-block-size: none;
      overflow: visible;
      container-type: normal;
      border: 0;
      box-shadow: none;
    }

    .conversation,
    [part='messages'] {
      display: block;
      overflow: visible;
    }

    .turns {
      gap: var(--_gemma-em);
    }

    [part~='message'] {
      content-visibility: visible;
    }

    /* Where a source is, on paper. */
    [part~='source-link']::after {
      content: ' (' attr(href) ')';
      overflow-wrap: anywhere;
    }

    [part='composer'],
    [part='actions'],
    [part='tools'],
    [part~='end-button'],
    [part~='launcher-button'],
    .prompts,
    .way-in {
      display: none;
    }
  }

  @media (forced-colors: active) {
    [part~='bubble-user'] {
      border: 1px solid;
    }

    [part~='button'] {
      border-color: ButtonBorder;
    }

    /* What only a background told apart. */
    [part~='history-current'] {
      outline: 2px solid Highlight;
      outline-offset: -2px;
    }

    [part='panel'] {
      border: 1px solid;
    }

    [part='waiting'] i,
    [part='progress-bar']::-webkit-progress-value {
      background: CanvasText;
      forced-color-adjust: none;
    }
  }
`;
