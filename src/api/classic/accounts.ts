// `/api/users/`: sign-up and tokens.
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { DomainError } from '../../platform/errors.ts';
import { readDataUrl } from './data-urls.ts';
import type { ClassicOptions } from './options.ts';
import { field, type FormValue, parseFields, readFormOrJson } from './forms.ts';
import * as schemas from './schemas.ts';

const TEXT_FORM_BYTES = 16_384;
const TEXT_BODY_BYTES = 65_536;

/** More than any name or address has, as it is typed. Texts are folded in a time that grows with the square of their length. */
const MAX_TYPED = 2_000;
const typed = (sentence: string) => field.max(MAX_TYPED, sentence);
const typedName = typed('Ensure this field has no more than 150 characters.');

// The classic page takes any answer with a `first_name` for success, so what is no text counts as blank there and is
// reported under another key. So is what is too long; as it is refused, its end does not matter.
const name = field.catch('').transform((text) => text.slice(0, MAX_TYPED));
const signUpForm = z.object({
  username: typedName,
  first_name: name,
  last_name: name,
  email: typed('Ensure this field has no more than 254 characters.'),
  password: field,
  profile_image: z.union([z.string(), z.instanceof(Buffer)], 'Not a valid string.').optional(),
});
const signInForm = z.object({
  username: typedName.min(1, 'This field may not be blank.'),
  password: field.min(1, 'This field may not be blank.'),
});
const refreshForm = z.object({ refresh: field });
const logoutForm = z.object({ refreshToken: z.string().min(1) });
const signedUp = z.object({
  username: z.string(),
  first_name: z.string(),
  last_name: z.string(),
  email: z.string(),
});

export async function accountRoutes(app: FastifyInstance, options: ClassicOptions): Promise<void> {
  const { users, profiles, viewers, limits, signUp } = options;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const pictureText = Math.ceil((limits.pictureBytes * 4) / 3) + 1_024;
  const picture = (value: FormValue): Buffer =>
    Buffer.isBuffer(value) ? value : readDataUrl(value, { maxBytes: limits.pictureBytes });

  const open = (form: z.ZodType) => ({
    bodyLimit: TEXT_BODY_BYTES,
    config: { public: true, form },
    schema: { response: { 200: schemas.tokens } },
  });

  routes.post(
    '/user/register/',
    {
      bodyLimit: pictureText + 65_536,
      config: { public: true, form: signUpForm },
      schema: { response: { 201: signedUp } },
    },
    async (request, reply) => {
      if (signUp === 'closed') throw signUpClosed();
      const form = parseFields(signUpForm, await readFormOrJson(request, { maxFieldBytes: pictureText }));
      const made = await profiles.signUp({
        address: request.ip,
        picture: form.profile_image?.length ? readSignUpPicture(form.profile_image) : undefined,
        form: {
          username: form.username,
          firstName: form.first_name,
          lastName: form.last_name,
          email: form.email,
          password: form.password,
        },
      });
      return reply.code(201).send({
        username: made.username,
        first_name: made.firstName,
        last_name: made.lastName,
        email: made.email,
      });
    },
  );

  function readSignUpPicture(value: FormValue): Buffer {
    try {
      return picture(value);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      throw new DomainError(error.kind, error.code, error.message, {
        fields: { profile_image: [error.message] },
      });
    }
  }

  routes.post('/user/token/', open(signInForm), async (request) => {
    const { username, password } = parseFields(
      signInForm,
      await readFormOrJson(request, { maxFieldBytes: TEXT_FORM_BYTES }),
    );
    return users.accounts.signIn({ username, password, address: request.ip });
  });

  routes.post('/user/token/refresh/', open(refreshForm), async (request, reply) => {
    const { refresh } = parseFields(
      refreshForm,
      await readFormOrJson(request, { maxFieldBytes: TEXT_FORM_BYTES }),
    );
    try {
      return await users.sessions.refresh(refresh);
    } catch (error) {
      return answerDeadToken(error, reply);
    }
  });

  routes.post(
    '/user/logout/',
    { bodyLimit: TEXT_BODY_BYTES, config: { form: logoutForm } },
    async (request, reply) => {
      const viewer = await viewers.require(request);
      const body = logoutForm.safeParse(request.body);
      // Any refresh token that ever was ours will do, as the access token is good; anything else is a mistake.
      const ended =
        body.success && (await users.sessions.end({ viewer, refreshToken: body.data.refreshToken }));
      if (!ended) return reply.code(400).send({ detail: 'Failed to logout. Please try again.' });
      return { detail: 'You have successfully logged out.' };
    },
  );
}

/** By field, as a form is refused: the classic page shows its user nothing else. */
function signUpClosed(): DomainError {
  const sentence = 'This site takes no new people just now.';
  return new DomainError('forbidden', 'sign_up_closed', sentence, {
    fields: { non_field_errors: [sentence] },
  });
}

/** A refresh token that is no good has a body of its own. */
function answerDeadToken(error: unknown, reply: FastifyReply): FastifyReply {
  if (!(error instanceof DomainError) || error.kind !== 'unauthenticated') throw error;
  const body = { detail: error.message, code: 'token_not_valid' };
  return reply
    .code(401)
    .header('WWW-Authenticate', 'Bearer realm="api"')
    .type('application/json')
    .serializer(JSON.stringify)
    .send(body);
}
