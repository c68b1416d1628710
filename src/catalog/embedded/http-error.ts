/** A refusal with its HTTP status; the text is the body, as in Consul. */
export class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
