// From what a request asks for to a grammar. Knows no tokens but the few that a grammar names.
import {plainText} from './code-points.ts';
import {type Grammar, GrammarBuilder, lexeme} from './grammar.ts';
import {schemaRule} from './json-schema.ts';
import {patternRegex} from './pattern.ts';
import {Regexes} from './regexes.ts';
import {jsonSyntax} from './syntax.ts';

/** The form that an answer is to have. */
export type AnswerFormat =
  | {type: 'json_object'}
  | {type: 'json_schema'; schema: unknown}
  | {type: 'regex'; regex: string};

/** @throws GemmaError `grammar-invalid` for what cannot be enforced */
export function compileFormat(format: AnswerFormat): Grammar {
  const builder = new GrammarBuilder(new Regexes());
  switch (format.type) {
    case 'json_object':
      schemaRule(builder, jsonSyntax(builder.regexes), {type: 'object'});
      break;
    case 'json_schema':
      schemaRule(builder, jsonSyntax(builder.regexes), format.schema);
      break;
    case 'regex':
      builder.rule('root', lexeme(patternRegex(builder.regexes, format.regex, 'whole', plainText)));
      break;
  }
  return builder.finish();
}
