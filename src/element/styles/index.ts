// How the element looks. Constructable stylesheets, so a strict CSP has nothing to refuse.
import {buttons} from './buttons.ts';
import {composer} from './composer.ts';
import {conditions} from './conditions.ts';
import {errors} from './errors.ts';
import {launcher} from './launcher.ts';
import {messages} from './messages.ts';
import {registerLengths} from './palette.ts';
import {theme} from './theme.ts';
import {wayIn} from './way-in.ts';

registerLengths();

/** Those of the lazy views are added before the last. */
export const styles = [theme, buttons, wayIn, messages, errors, composer, launcher, conditions];
