/** Every error a user or operator can meet: one class a kind, one stable code a class. `docs/errors.md` lists them; a test keeps the two equal. */

/** What an error says besides its message. */
export interface ErrorDetails {
  /** The request field, option or file the error is about (`messages.0.role`, `--port`, `config.json: hidden_size`). */
  field?: string;
  cause?: unknown;
  /** When it is worth trying again, for HTTP's Retry-After: whole seconds. */
  retryAfterSeconds?: number;
}

/** The base of all errors with a code. `httpStatus` is what the API answers, `exitCode` what the command line ends with. */
export abstract class RingmeshError extends Error {
  abstract readonly code: string;
  readonly httpStatus: number = 500;
  readonly exitCode: number = 1;
  readonly field: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.field = details.field;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }
}

// ── Requests ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A request field is missing, of the wrong type, out of range, or contradicts another. */
export class InvalidRequestError extends RingmeshError {
  override readonly code: string = 'invalid_request';
  override readonly httpStatus: number = 400;
}

/** Prompt, or prompt plus `max_tokens`, is longer than the model's context. */
export class ContextLengthExceededError extends InvalidRequestError {
  override readonly code = 'context_length_exceeded';
}

/** A JSON schema or regular expression for structured output is malformed, uses what is not supported, or can never be fulfilled. */
export class GrammarInvalidError extends InvalidRequestError {
  override readonly code = 'grammar_invalid';
}

/** A JSON schema or regular expression needs more states or more work than a request may cost. */
export class GrammarTooComplexError extends InvalidRequestError {
  override readonly code = 'grammar_too_complex';
}

/** What a request allows and forbids leaves no token that its answer could go on with. */
export class NoTokenAllowedError extends InvalidRequestError {
  override readonly code = 'no_token_allowed';
}

/** The body is larger than the server's limit. */
export class BodyTooLargeError extends InvalidRequestError {
  override readonly code = 'body_too_large';
  override readonly httpStatus = 413;
}

/** A request follows a response that is not kept, or not any more. */
export class PreviousResponseNotFoundError extends InvalidRequestError {
  override readonly code = 'previous_response_not_found';
}

/** The response of this id was never kept, was deleted, or had to make room. */
export class ResponseNotFoundError extends RingmeshError {
  override readonly code = 'response_not_found';
  override readonly httpStatus = 404;
}

/** The request names a model that this server does not serve. */
export class ModelNotFoundError extends RingmeshError {
  override readonly code = 'model_not_found';
  override readonly httpStatus = 404;
}

/** No API key came with the request, or one that the server does not know. */
export class InvalidApiKeyError extends RingmeshError {
  override readonly code = 'invalid_api_key';
  override readonly httpStatus = 401;
}

/** More requests or prompt tokens wait than the server, or the key, may have waiting. */
export class QueueFullError extends RingmeshError {
  override readonly code = 'queue_full';
  override readonly httpStatus = 429;
}

/** The key has used up its requests or tokens of this minute. */
export class RateLimitExceededError extends RingmeshError {
  override readonly code = 'rate_limit_exceeded';
  override readonly httpStatus = 429;
}

// ── Serving ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The model is still loading, or some shards have no worker yet. */
export class NotReadyError extends RingmeshError {
  override readonly code = 'not_ready';
  override readonly httpStatus = 503;
}

/** A shard's experts could not be reached in time on any worker: the request fails, nothing is skipped. */
export class ShardUnavailableError extends RingmeshError {
  override readonly code = 'shard_unavailable';
  override readonly httpStatus = 503;
}

/** The request's own `timeout` passed before it was done. */
export class DeadlineExceededError extends RingmeshError {
  override readonly code = 'deadline_exceeded';
  override readonly httpStatus = 504;
}

/** The server is shutting down and takes no new work. */
export class ShuttingDownError extends RingmeshError {
  override readonly code = 'shutting_down';
  override readonly httpStatus = 503;
}

/** The engine failed in a way that is a defect of ours. */
export class EngineFailedError extends RingmeshError {
  override readonly code = 'engine_failed';
}

// ── Starting ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A command-line option or environment variable is missing, malformed or out of range. */
export class InvalidOptionError extends RingmeshError {
  override readonly code = 'invalid_option';
  override readonly exitCode = 2;
}

/** The address to listen on is taken or not allowed. */
export class ListenFailedError extends RingmeshError {
  override readonly code = 'listen_failed';
}

/** A process that `serve` or `doctor` started ended by itself; what it printed says why. */
export class ProcessEndedError extends RingmeshError {
  override readonly code = 'process_ended';
}

/** A model's folder or hub repository, or a file it needs, is not there. */
export class CheckpointMissingError extends RingmeshError {
  override readonly code = 'checkpoint_missing';
}

/** A checkpoint file is cut short, is not what its name says, or does not match the hub's checksum. */
export class CheckpointCorruptError extends RingmeshError {
  override readonly code = 'checkpoint_corrupt';
}

/** config.json and the weights disagree on a tensor's presence or shape. */
export class CheckpointMismatchError extends RingmeshError {
  override readonly code = 'checkpoint_mismatch';
}

/** config.json has a field whose value is malformed or contradicts another field. */
export class ConfigInvalidError extends RingmeshError {
  override readonly code = 'config_invalid';
}

/** config.json asks for something that Ringmesh does not compute. */
export class ConfigUnsupportedError extends RingmeshError {
  override readonly code = 'config_unsupported';
}

/** tokenizer.json, tokenizer_config.json or the chat template cannot be used. */
export class TokenizerInvalidError extends RingmeshError {
  override readonly code = 'tokenizer_invalid';
}

/** A pack is incomplete, of another format version, or a file does not match its hash. */
export class PackInvalidError extends RingmeshError {
  override readonly code = 'pack_invalid';
}

/** Another process is writing the same pack. */
export class PackInProgressError extends RingmeshError {
  override readonly code = 'pack_in_progress';
}

/** Router and worker hold different packs. */
export class PackMismatchError extends RingmeshError {
  override readonly code = 'pack_mismatch';
}

/** Redis is configured but does not answer. */
export class CoordinationUnavailableError extends RingmeshError {
  override readonly code = 'coordination_unavailable';
  override readonly httpStatus = 503;
}

// ── Pulling ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A model hub cannot be reached, or answers with something else than its API. */
export class HubUnavailableError extends RingmeshError {
  override readonly code = 'hub_unavailable';
}

/** A model hub asks for a token, or refuses the one it got. */
export class HubAccessDeniedError extends RingmeshError {
  override readonly code = 'hub_access_denied';
}

/** Another process is pulling into the same folder. */
export class PullInProgressError extends RingmeshError {
  override readonly code = 'pull_in_progress';
}

/** The disk has too little room for what is to be written. */
export class DiskFullError extends RingmeshError {
  override readonly code = 'disk_full';
}

/** Every class above that has a code, for the documentation test and for {@link errorFromMessage}. */
export const ERROR_CLASSES = [
  InvalidRequestError,
  ContextLengthExceededError,
  GrammarInvalidError,
  GrammarTooComplexError,
  NoTokenAllowedError,
  BodyTooLargeError,
  PreviousResponseNotFoundError,
  ResponseNotFoundError,
  ModelNotFoundError,
  InvalidApiKeyError,
  QueueFullError,
  RateLimitExceededError,
  NotReadyError,
  ShardUnavailableError,
  DeadlineExceededError,
  ShuttingDownError,
  EngineFailedError,
  InvalidOptionError,
  ListenFailedError,
  ProcessEndedError,
  CheckpointMissingError,
  CheckpointCorruptError,
  CheckpointMismatchError,
  ConfigInvalidError,
  ConfigUnsupportedError,
  TokenizerInvalidError,
  PackInvalidError,
  PackInProgressError,
  PackMismatchError,
  CoordinationUnavailableError,
  HubUnavailableError,
  HubAccessDeniedError,
  PullInProgressError,
  DiskFullError,
] as const;

/** An error as it crosses a thread: structured clone drops the class, so the code travels instead. */
export interface ErrorMessage {
  code: string;
  message: string;
  field?: string;
}

/** Packs any thrown value for another thread; what has no code of ours becomes `engine_failed`. */
export function errorToMessage(error: unknown): ErrorMessage {
  if (error instanceof RingmeshError) {
    return { code: error.code, message: error.message, ...(error.field === undefined ? {} : { field: error.field }) };
  }
  return { code: 'engine_failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

/** The inverse of {@link errorToMessage}. */
export function errorFromMessage({ code, message, field }: ErrorMessage): RingmeshError {
  const ErrorClass = ERROR_CLASSES.find((candidate) => new candidate('').code === code) ?? EngineFailedError;
  return new ErrorClass(message, field === undefined ? {} : { field });
}
