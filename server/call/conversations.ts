import type { CaptureCommand } from '../../flows/commands.js';
import type {
  AttributeChanges,
  ConversationView,
  ParticipantView,
  SecureSessionRequest,
  SecureSessionView,
} from './views.js';

/** What the API may do with calls. Every method throws or rejects with TacetError. */
export interface Conversations {
  /** Live conversations first, then the last ended ones, newest first. */
  list(): readonly ConversationView[];
  get(id: string): ConversationView;
  /** Sets attributes of a participant. Refused while a secure session lasts. */
  setAttributes(id: string, participantId: string, changes: AttributeChanges): ParticipantView;
  /** Resolves as soon as the request is accepted (state `requested`, 202), or rejects when it is refused at once. */
  startSecureSession(id: string, request: SecureSessionRequest): Promise<SecureSessionView>;
  secureSessions(id: string): readonly SecureSessionView[];
  secureSession(id: string, sessionId: string): SecureSessionView;
  /**
   * Ends the session as `cancelled`: after the leaving guard the caller goes back to the agent, or the flow goes to its
   * error path where the session was for actions of its own.
   */
  cancelSecureSession(id: string, sessionId: string): Promise<SecureSessionView>;
  /** Has a command done to the field that is being keyed, at once. `by`: name of the token it came with. */
  commandCapture(
    id: string,
    sessionId: string,
    command: CaptureCommand,
    by: string | null,
  ): Promise<SecureSessionView>;
}
