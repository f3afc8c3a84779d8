/** Why a generation is aborted when its client closes the connection. */
export class ClientGoneError extends Error {
  constructor() {
    super('The client closed the connection before the response was complete');
    this.name = 'ClientGoneError';
  }
}
