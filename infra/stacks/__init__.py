"""CloudFormation stacks: the service, its us-east-1 part, and the batch."""
