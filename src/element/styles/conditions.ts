// What changes with the width, with reduced motion and with forced colours. Comes last.
import {css} from 'lit';

export const conditions = css`
  /* A wide chat keeps its lines at a length that reads well. */
  @container gemma-chat (inline-size > 52rem) {
    [part='messages'],
    [part='composer'] {
      padding-inline: calc((100% - 50rem) / 2);
    }

    [part='error'] {
      margin-inline: calc((100% - 50rem) / 2);
    }

    [part='history-list'],
    [part='history-footer'] {
      padding-inline: calc((100% - 50rem) / 2);
    }
  }

  @media (prefers-reduced-motion: reduce) {
    * {
      animation: none !important;
      transition: none !important;
    }
  }

  @media (forced-colors: active) {
    [part~='message-user'] > [part='message-text'] {
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
