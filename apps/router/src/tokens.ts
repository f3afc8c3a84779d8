/** What the modules inject: explicit tokens, for Nest cannot see types at run time without emitted decorator metadata. */
export const ENGINE = Symbol('EngineClient');
export const MODEL = Symbol('ServedModel');
export const TEXT_GENERATOR = Symbol('TextGenerator');
export const IN_FLIGHT = Symbol('InFlight');
export const RESPONSE_STORE = Symbol('ResponseStore');
export const METRICS = Symbol('MetricsRegistry');
export const LOGGER = Symbol('Logger');
