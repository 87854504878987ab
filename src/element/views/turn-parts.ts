// A chunk of its own: what a message has that a chat without messages does not need. Its text as Markdown, the buttons
// beneath it, the form in which it is changed.
import {markdown as markdownStyles} from '../styles/markdown.ts';
import {messageActions} from '../styles/message-actions.ts';

export {hand} from '../handed.ts';
export {markdown, pace} from '../markdown/markdown.ts';
export {plainText} from '../markdown/plain-text.ts';
export {renderActions} from './message-actions.ts';
export {renderEdit} from './message-edit.ts';
export {renderSteps, TOOL_TEXTS} from './tool-steps.ts';

export const styles = markdownStyles + messageActions;
