/** What the control role serves to the cluster's own processes, on one port. */
import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';

export interface GrpcService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
  /** Ends what is under way: the server is about to close. */
  end(): void;
}
