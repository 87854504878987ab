// How the element looks. Constructable stylesheets, so a strict CSP has nothing to refuse.
import {buttons} from './buttons.ts';
import {composer} from './composer.ts';
import {conditions} from './conditions.ts';
import {errors} from './errors.ts';
import {history} from './history.ts';
import {launcher} from './launcher.ts';
import {markdown} from './markdown.ts';
import {messageActions} from './message-actions.ts';
import {messages} from './messages.ts';
import {registerLengths} from './palette.ts';
import {theme} from './theme.ts';
import {wayIn} from './way-in.ts';

registerLengths();

export const styles = [
  theme,
  buttons,
  wayIn,
  messages,
  markdown,
  messageActions,
  errors,
  composer,
  history,
  launcher,
  conditions,
];
