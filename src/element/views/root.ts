// The box inside the host that everything else stands in, by the chat's shape.
import {html, type TemplateResult} from 'lit';

/** @param loose the page's styles have taken the launcher's place from the host */
export function renderRoot(display: string, loose: boolean, content: TemplateResult): TemplateResult {
  const shape = display === 'launcher' || display === 'panel' ? display : 'inline';
  return html`<div class="root ${shape} ${loose ? 'loose' : ''}">${content}</div>`;
}
