/** The table of messages, with the schema of the article. The stack makes it, or adopts an existing table as it is. */
import { RemovalPolicy } from 'aws-cdk-lib';
import {
  AttributeType,
  BillingMode,
  type ITable,
  ProjectionType,
  Table,
  TableEncryption,
} from 'aws-cdk-lib/aws-dynamodb';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';

/** The name of the index that has a conversation's messages in order. */
const INDEX = 'byLineUserId';

export interface MessagesProps {
  environment: string;
  /** Whether the table is protected from deletion, and stays when the stack is deleted. */
  retain: boolean;
  /** The postfix of an existing table `Messages{postfix}`, which the stack adopts. */
  existingPostfix?: string;
}

export class Messages extends Construct {
  /** The end of the table's name, `Messages{postfix}`. */
  readonly postfix: string;
  readonly table: ITable;

  constructor(scope: Construct, id: string, props: MessagesProps) {
    super(scope, id);
    this.postfix = props.existingPostfix ?? `-${props.environment}`;
    const tableName = `Messages${this.postfix}`;
    this.table =
      props.existingPostfix === undefined
        ? this.made(tableName, props.retain)
        : Table.fromTableName(this, 'Table', tableName);
  }

  /** Grants a function the actions that the worker needs, and no others: the worker never scans. */
  grantTurns(grantee: IGrantable): Grant {
    const table = this.table.tableArn;
    // A transaction needs the permissions of its parts (AWS: "Using IAM with DynamoDB transactions").
    const reads = ['GetItem', 'BatchGetItem', 'ConditionCheckItem'];
    const writes = ['PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem'];
    const actions = [...reads, ...writes].map((action) => `dynamodb:${action}`);
    return Grant.addToPrincipal({ grantee, actions, resourceArns: [table] }).combine(
      Grant.addToPrincipal({ grantee, actions: ['dynamodb:Query'], resourceArns: [`${table}/index/${INDEX}`] }),
    );
  }

  private made(tableName: string, retain: boolean): Table {
    const table = new Table(this, 'Table', {
      tableName,
      partitionKey: { name: 'id', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.AWS_MANAGED,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      timeToLiveAttribute: 'expiresAt',
      deletionProtection: retain,
      removalPolicy: retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    table.addGlobalSecondaryIndex({
      indexName: INDEX,
      partitionKey: { name: 'lineUserId', type: AttributeType.STRING },
      sortKey: { name: 'createdAt', type: AttributeType.STRING },
      projectionType: ProjectionType.ALL,
    });
    return table;
  }
}
