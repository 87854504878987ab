// The colours and measures that everything else uses, by the page's custom properties or ours. Text, so that the
// launcher's small script can use it without Lit. Colours follow the page's `color-scheme`.

export const palette = `
  :host {
    --_accent: var(--gemma-chat-accent, light-dark(#2457d6, #8fb0ff));
    --_on-accent: var(--gemma-chat-on-accent, light-dark(#ffffff, #0b1226));
    --_surface: var(--gemma-chat-surface, light-dark(#ffffff, #14171c));
    --_raised: var(--gemma-chat-raised, light-dark(#f3f5f8, #1d2128));
    --_on-bubble: var(--gemma-chat-on-bubble, var(--_text));
    --_answer: var(--gemma-chat-answer, transparent);
    --_answer-padding: var(--gemma-chat-answer-padding, 0);
    --_bubble: var(--gemma-chat-bubble, light-dark(#e4ecfd, #233252));
    --_text: var(--gemma-chat-text, light-dark(#1a1e24, #e7eaef));
    --_muted: var(--gemma-chat-muted, light-dark(#566070, #a2acba));
    --_border: var(--gemma-chat-border, light-dark(#d5dae2, #353c48));
    --_danger: var(--gemma-chat-danger, light-dark(#b3261e, #ff9d94));
    --_font-size: var(--gemma-chat-font-size, 1rem);
    --_code-font: var(--gemma-chat-code-font, ui-monospace, monospace);
    --_radius: var(--gemma-chat-radius, 0.875rem);
    --_gap: var(--gemma-chat-gap, 1rem);
    --_panel-width: var(--gemma-chat-panel-width, 25rem);
    --_panel-height: var(--gemma-chat-panel-height, 40rem);
    --_shadow: var(--gemma-chat-shadow, 0 0.5rem 2rem rgb(0 0 0 / 22%));
  }
`;
